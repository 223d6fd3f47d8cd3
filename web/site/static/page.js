// Every page: times in the reader's own zone, and an address bar without "?done=".

for (const time of document.querySelectorAll("time[datetime]")) {
  const date = new Date(time.dateTime);
  if (Number.isNaN(date.getTime())) continue;
  time.title = time.textContent;
  time.textContent = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

if (new URLSearchParams(location.search).has("done")) {
  history.replaceState(null, "", location.pathname);
}
