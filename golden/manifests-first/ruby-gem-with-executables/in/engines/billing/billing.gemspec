Gem::Specification.new do |s|
  s.name = "billing"
  s.version = "1"
  s.executables = ["bill"]
end
