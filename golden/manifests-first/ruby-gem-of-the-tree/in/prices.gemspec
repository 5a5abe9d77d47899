Gem::Specification.new do |spec|
  spec.name = "prices"
  spec.version = File.read("VERSION").strip
  spec.files = Dir["lib/**/*.rb"]
  spec.summary = "Prices"
  spec.authors = ["Shop"]
end
