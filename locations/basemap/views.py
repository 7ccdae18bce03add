"""The offline basemap over HTTP. It is public: it shows the world and nothing of ours."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.http import condition, require_safe

from foundation.addresses import only_parameters

from . import archive
from .style import Theme, build_style

TILE_MAX_AGE_S = 30 * 86_400
STYLE_MAX_AGE_S = 300


def _tile_etag(request: HttpRequest, z: int, x: int, y: int) -> str:
    return f'"{archive.version()}-{z}-{x}-{y}"'


@login_not_required
@require_safe
@only_parameters("v")
@condition(etag_func=_tile_etag)
def tile(request: HttpRequest, z: int, x: int, y: int) -> HttpResponse:
    """Answer a gzipped vector tile, 204 where there is nothing to draw, 404 outside the tile range."""
    if z > archive.MAX_ZOOM or max(x, y) >= 2**z:
        raise Http404("The basemap has no such tile.")
    content = archive.tile(z, x, y)
    if content is None:
        response = HttpResponse(status=204)
    else:
        response = HttpResponse(content, content_type="application/vnd.mapbox-vector-tile")
        response["Content-Encoding"] = "gzip"
    response["Cache-Control"] = f"public, max-age={TILE_MAX_AGE_S}"
    return response


@login_not_required
@require_safe
@only_parameters("theme")
def style(request: HttpRequest) -> HttpResponse:
    """Answer the MapLibre style for `?theme=light` or `dark`, or send on to the customer's own.

    `BASEMAP_STYLE_URL` may hold `{theme}`. Tile addresses begin with `/`: whatever proxies stand in
    front, they stay on the host and scheme of the page.
    """
    theme: Theme = "dark" if request.GET.get("theme") == "dark" else "light"
    if elsewhere := getattr(settings, "BASEMAP_STYLE_URL", ""):
        return HttpResponseRedirect(elsewhere.replace("{theme}", theme))
    tiles = reverse("basemap:tile", args=(0, 0, 0)).replace("0/0/0", "{z}/{x}/{y}")
    response = JsonResponse(build_style(theme, f"{tiles}?v={archive.version()}"))
    response["Cache-Control"] = f"public, max-age={STYLE_MAX_AGE_S}"
    return response
