from django.db import models

from dure.targeting.values import ModelName


class ScoreModel(models.Model):
    """What was learned once: `parameters` that scores are made of, the days `from_on` to `until_on` of the `rows` it was learned
    from, the code that made it, how what it says compares with what came (`calibration`), and the gate's verdict. `fault` says
    why it may not be used; empty is no fault. Append-only."""

    public_id = models.TextField(unique=True)
    name = models.TextField(choices=[(n, n) for n in ModelName])
    version = models.PositiveIntegerField()
    parameters = models.JSONField()
    from_on = models.DateField()
    until_on = models.DateField()
    rows = models.PositiveIntegerField()
    code_version = models.TextField()
    calibration = models.JSONField()
    gate = models.JSONField()
    fault = models.TextField(default="")
    by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="score_model_once")]


class ModelStep(models.Model):
    """A model came into use, or the one before it was brought back (`back`); None where only what is usual is left. The newest
    step of a name says what is in use. Append-only."""

    name = models.TextField(choices=[(n, n) for n in ModelName])
    model = models.ForeignKey(ScoreModel, null=True, on_delete=models.PROTECT, related_name="+")
    back = models.BooleanField(default=False)
    by = models.TextField()
    reason = models.TextField(default="")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["name", "-id"], name="model_in_use")]
