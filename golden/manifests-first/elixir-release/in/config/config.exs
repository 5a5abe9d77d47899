import Config

config :shop, Shop.Repo, adapter: Ecto.Adapters.Postgres

config :esbuild,
  version: "0.17.11",
  shop: [
    args: ~w(js/app.js --bundle --outdir=../priv/static/assets),
    cd: Path.expand("../assets", __DIR__),
    env: %{"NODE_PATH" => Path.expand("../deps", __DIR__)}
  ]

config :phoenix, :json_library, Jason
import_config "#{config_env()}.exs"
