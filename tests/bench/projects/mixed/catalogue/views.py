from django.shortcuts import render
from rest_framework import generics, serializers

from .models import Book


class BookSerializer(serializers.ModelSerializer):
    class Meta:
        model = Book
        fields = ("isbn", "title", "author", "lent_to")


class Books(generics.ListCreateAPIView):
    serializer_class = BookSerializer

    def get_queryset(self):
        books = Book.objects.all()
        wanted = self.request.query_params.get("q", "")
        return books.filter(title__icontains=wanted) if wanted else books


def index(request):
    return render(request, "catalogue/index.html", {"title": "The library"})
