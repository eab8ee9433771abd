// A tap on a figure opens it in full size; a tap on a heading closes the drawer that listed it.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".cell_output img").forEach((figure) => {
    const link = document.createElement("a");
    link.href = figure.src;
    link.target = "_blank";
    link.setAttribute("aria-label", `Open in full size: ${figure.alt}`);
    figure.replaceWith(link);
    link.append(figure);
  });
  document.addEventListener("click", (event) => {
    const entry = event.target.closest("dialog .page-toc a");
    if (entry) entry.closest("dialog").close();
  });
});
