process.env.API_TOKEN
