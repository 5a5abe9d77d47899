import Config
for name <- File.ls!("features") do
  config :shop, features: name
end
