"""The shop's pages and its interface."""

from django.conf import settings
from django.shortcuts import render
from rest_framework import generics, serializers

from .models import Product


class ProductSerializer(serializers.ModelSerializer):
    """A product as JSON."""

    class Meta:
        model = Product
        fields = ["id", "name", "cents"]


class ProductList(generics.ListAPIView):
    """All products."""

    queryset = Product.objects.order_by("name")
    serializer_class = ProductSerializer


def index(request):
    """Return the front page."""
    return render(request, "shop/index.html", {"products": Product.objects.all(), "revision": settings.REVISION})
