run ->(env) { [200, {}, ["open"]] }
