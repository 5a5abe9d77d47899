rootProject.name = "shop"
include("api", "prices")
