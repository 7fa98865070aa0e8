export async function upload(endpoint) {
  const response = await fetch(`${endpoint}/photos/cat.jpg`, { method: 'PUT', body: 'cat' });
  if (!response.ok) throw new Error(`not stored: ${response.status}`);
  return 'stored, and the application knows';
}
