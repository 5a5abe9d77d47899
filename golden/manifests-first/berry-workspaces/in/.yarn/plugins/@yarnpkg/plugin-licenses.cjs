// a plugin
