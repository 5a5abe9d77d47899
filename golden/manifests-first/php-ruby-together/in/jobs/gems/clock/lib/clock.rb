require "clock/version"
