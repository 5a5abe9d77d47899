module Billing
  VERSION = File.read(File.expand_path("../../VERSION", File.dirname(__FILE__))).strip
end
