import info from "unplugin-info/vite"
import { defineConfig } from "vite"

export default defineConfig({ plugins: [info()] })
