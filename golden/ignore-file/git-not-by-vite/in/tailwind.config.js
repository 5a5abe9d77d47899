/** @type {import('tailwindcss').Config} */
export default { content: ["./src/**/*.tsx"], plugins: [] }
