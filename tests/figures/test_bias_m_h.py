def test_every_variant_has_its_bins(draw, verdict):
    values = draw("bias_m_h", verdict=verdict)
    for name, part in values.groupby("variant"):
        assert part["low"].tolist() == [row["low"] for row in verdict["variants"][name]["bias"]["m_h"]]
        assert part["mean"].tolist() == [row["mean"] for row in verdict["variants"][name]["bias"]["m_h"]]
    assert values["variant"].nunique() == len(verdict["variants"])
