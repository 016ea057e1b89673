/** Gives `content` to the browser to keep as a file. It never leaves the page otherwise. */
export const save = (name: string, content: Blob): void => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // Browsers read it after the click; a minute is more than any takes.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};
