"""The admin's look and colours; its sidebar is `ops.navigation`."""

from django.templatetags.static import static

from ops.navigation import NAVIGATION

UNFOLD = {
    "SITE_TITLE": "Glimpse",
    "SITE_HEADER": "Glimpse",
    "SITE_SUBHEADER": "Trackers in shipments",
    "SITE_ICON": lambda request: static("admin-glimpse/logo.svg"),
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("admin-glimpse/logo.svg"),
        },
    ],
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "DASHBOARD_CALLBACK": "ops.admin.overview.add_overview",
    "STYLES": [lambda request: static("admin-glimpse/glimpse.css")],
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": NAVIGATION},
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .013 255)",
            "100": "oklch(93.6% .032 255)",
            "200": "oklch(88.2% .059 255)",
            "300": "oklch(80.9% .105 254)",
            "400": "oklch(70.7% .165 256)",
            "500": "oklch(62.3% .2 261)",
            "600": "oklch(54.6% .215 264)",
            "700": "oklch(48.8% .2 265)",
            "800": "oklch(42.4% .17 266)",
            "900": "oklch(37.9% .13 267)",
            "950": "oklch(28.2% .09 268)",
        },
    },
}
