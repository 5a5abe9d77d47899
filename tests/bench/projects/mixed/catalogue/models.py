from django.db import models


class Book(models.Model):
    isbn = models.CharField(max_length=13, unique=True)
    title = models.CharField(max_length=200)
    author = models.CharField(max_length=200)
    cover = models.ImageField(upload_to="covers", blank=True)
    lent_to = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ("author", "title")
