(module quote "(func $\"a b\" (call $" "\"a\\20b\"))")
