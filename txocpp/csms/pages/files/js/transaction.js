export function transactionPage({ main }) { return { title: 'transaction' }; }
