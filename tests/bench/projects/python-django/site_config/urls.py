"""Which address leads where."""

from django.contrib import admin
from django.urls import path

from shop import views

urlpatterns = [
    path("", views.index),
    path("api/products", views.ProductList.as_view()),
    path("admin/", admin.site.urls),
]
