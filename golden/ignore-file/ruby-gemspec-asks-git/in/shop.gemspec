Gem::Specification.new do |s|
  s.files = `git ls-files -z`.split("\x0")
end
