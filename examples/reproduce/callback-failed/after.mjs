export async function upload(endpoint) {
  const response = await fetch(`${endpoint}/photos/cat.jpg`, { method: 'PUT', body: 'cat' });
  if (!response.ok) throw new Error(`not stored: ${response.status}`);
  if (response.status !== 203) return 'stored, and the application knows';
  const code = /<Code>(.*?)</.exec(await response.text())?.[1];
  return `stored, and the application has to be told: ${code}`;
}
