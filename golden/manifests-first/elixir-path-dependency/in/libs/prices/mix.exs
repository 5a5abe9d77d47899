defmodule Prices.MixProject do
  use Mix.Project
  def project, do: [app: :prices, version: "0.1.0", deps: []]
end
