from django.urls import path

from . import views

urlpatterns = [
    path("", views.index),
    path("api/books/", views.Books.as_view()),
]
