require_relative "lib/billing/version"

Gem::Specification.new do |spec|
  spec.name = "billing"
  spec.version = Billing::VERSION
  spec.authors = ["Shop"]
  spec.summary = "Billing"
  spec.files = Dir.chdir(File.expand_path(__dir__)) do
    Dir["{app,lib}/**/*", "README.md"]
  end
end
