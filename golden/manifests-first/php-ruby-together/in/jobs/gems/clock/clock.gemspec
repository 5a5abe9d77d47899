require_relative "lib/clock/version"

Gem::Specification.new do |spec|
  spec.name = "clock"
  spec.version = Clock::VERSION
  spec.authors = ["Shop"]
  spec.summary = "A clock"
  spec.files = Dir["lib/**/*.rb"]
end
