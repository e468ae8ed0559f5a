def test_attention_over_the_mean_is_one_where_there_is_no_preference(draw, verdict, made):
    values = draw("attention", verdict=verdict, evidence=made)
    assert values.groupby(["variant", "layer"])["over_uniform"].mean().eq(1).all()
    assert values["over_uniform"].max() == 8


def test_models_without_attention_are_said_to_have_none(draw, verdict, poor):
    assert "no attention" in draw("attention", verdict=verdict, evidence=poor)["reason"][0]
