import preact from '@preact/preset-vite';
import autoprefixer from 'autoprefixer';
import tailwindcss from 'tailwindcss';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [preact()],
  css: { postcss: { plugins: [tailwindcss({ content: ['src/**/*.jsx'] }), autoprefixer()] } },
  build: {
    outDir: '../catalogue/static/app',
    emptyOutDir: true,
    rollupOptions: {
      input: 'src/main.jsx',
      output: { entryFileNames: 'main.js', assetFileNames: 'main.[ext]' },
    },
  },
});
