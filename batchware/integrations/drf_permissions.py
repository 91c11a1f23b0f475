# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUntypedBaseClass=false
# (Django REST framework has no types.)
"""Django REST framework: views and view sets that cannot be batched, said by a permission (C34).

    class Exports(APIView):
        permission_classes = [NotInBatch, IsAuthenticated]

In a batch the handler is not run and the action's result is 400. It does what the decorator `batchware.not_batchable`
does on the class, and costs no traceback in the log and no mail to the admins; it can be given to one action of a view
set (`@action(permission_classes=[NotInBatch])`) or, in `DEFAULT_PERMISSION_CLASSES`, to all views that name none. A
view that names its own permissions must name this one too, so where a guard must not be lost use the decorator.
"""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission

from ..contract.guard import REFUSAL, refuse

__all__ = ["NotInBatch"]


class NotInBatch(BasePermission):  # type: ignore[misc]  # has no types
    """Permits direct requests, and none in a batch."""

    message = REFUSAL

    def has_permission(self, request: Any, view: Any) -> Any:
        """A bool: whether the request is a direct one."""
        django_request = request._request
        return refuse(getattr(django_request, "scope", None) or django_request.META) is None
