file(READ "${CURRENT_PORT_DIR}/../../VERSION" version)
