def test_hidden_pixels_of_every_variant(draw, verdict, made):
    values = draw("masks", verdict=verdict, evidence=made)
    for name, seeds in made.gradients.items():
        assert values[f"{name}_hidden"].tolist() == (seeds[0]["visible"] == 0).tolist()
