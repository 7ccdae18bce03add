from django.urls import path

from orders.api import views

urlpatterns = [
    path("orders/", views.OrdersView.as_view(), name="orders"),
    path("orders/<int:pk>/", views.OrderView.as_view(), name="order"),
    path("orders/<int:pk>/cancel/", views.OrderCancelView.as_view(), name="order-cancel"),
    path("orders/<int:pk>/devices/", views.OrderDevicesView.as_view(), name="order-devices"),
]
