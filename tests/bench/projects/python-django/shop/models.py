"""The shop's tables."""

from django.db import models


class Product(models.Model):
    """Something to buy."""

    name = models.CharField(max_length=100)
    cents = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.name
