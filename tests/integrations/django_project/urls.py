"""The routes, below `/api`."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter

from . import views

router = DefaultRouter()
router.register("tasks", views.Tasks)

urlpatterns = [
    path("api/login", views.log_in),
    path("api/who", views.who),
    path("api/plain/<int:pk>", views.task),
    path("api/half", views.half),
    path("api/add", views.add),
    path("api/together", views.together),
    path("api/page", views.page),
    path("api/file", views.file),
    path("api/schema", SpectacularAPIView.as_view()),
    path("api/rest/", include(router.urls)),
]
