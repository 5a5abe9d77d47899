export default { title: 'x', lastUpdated: true }
