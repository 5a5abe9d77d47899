from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import path


def index(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f'<link rel="stylesheet" href="{static("shelf.css")}">\n')


urlpatterns = [path("", index)]
