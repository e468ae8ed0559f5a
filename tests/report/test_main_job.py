"""The page of the main job alone: its models, its answer, and nothing said of experiments that nobody ran."""

from logg1m.report.collect import Context, collect

MAIN = ("mvp_0_a/", "mvp_1_1/fisher.json", "data/manifest.json")


def test_the_main_job_alone_has_an_answer(paths, experiments):
    kept = [path for path in paths if any(part in path.as_posix() for part in MAIN)]
    whole, answer = (collect(files, experiments, Context()).answer for files in (paths, kept))
    assert whole.best is not None
    assert answer.best is not None
    assert str(answer.best.file).endswith("mvp_1_1/fisher.json")
    assert answer.ceiling is not None
    assert [ground.text for ground in answer.decided] == ["nothing has been judged yet."]
