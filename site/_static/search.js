// The lines under a search result begin in the article, not in the buttons above it.
document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;
  const whole = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    page.querySelectorAll(".bd-header-article, .onlyprint, .bd-sidebar-secondary").forEach((part) => part.remove());
    return whole(page.documentElement.outerHTML, anchor);
  };
});
