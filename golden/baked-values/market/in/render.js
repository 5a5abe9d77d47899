console.log(process.env.MARKET)
