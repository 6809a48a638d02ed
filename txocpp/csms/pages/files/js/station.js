export function stationPage({ main }) { return { title: 'station' }; }
