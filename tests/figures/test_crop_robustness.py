def test_r2_of_every_variant_at_every_share_and_edge(draw, verdict, made):
    values = draw("crop_robustness", verdict=verdict, evidence=made)
    both = values[(values["edge"] == "at both edges") & (values["variant"] == "plain")]
    assert both["percent"].tolist() == [0, 10]
    assert both["r2"].nunique() == 1  # cropping costs nothing here
    assert set(values["variant"]) == set(verdict["variants"])


def test_models_that_cannot_be_put_to_other_conditions_are_said_so(draw, verdict, poor):
    assert draw("crop_robustness", verdict=verdict, evidence=poor)["reason"].notna().all()
