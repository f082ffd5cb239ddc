"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const PRINTED_WIDTH = 330;
  const themes = {
    light: { ink: "#222222", grid: "#e4e4e4", curve: "#000000", paper: "#ffffff" },
    dark: { ink: "#e6e6e6", grid: "#3a3d42", curve: "#f2f2f2", paper: "#202327" },
  };
  let printing = false;
  const theme = () => themes[dark.matches && !printing ? "dark" : "light"];
  const plots = [...document.querySelectorAll(".plot")].map((place) => ({
    place,
    text: place.nextElementSibling.textContent,
    section: place.closest("section"),
  }));

  function hiddenRuns(section) {
    const boxes = [...section.querySelectorAll("input[data-run]")];
    return new Set(boxes.filter((box) => !box.checked).map((box) => box.dataset.run));
  }

  function draw({ place, text, section }) {
    const { data, layout, frames } = JSON.parse(text);
    const slider = section.querySelector("input.moment");
    if (slider && frames && frames.length) {
      frames[slider.value].data.forEach((trace, index) => {
        for (const name of ["x", "y"]) {
          data[index][name] = trace[name] || data[index][name];
        }
      });
    }
    const colors = theme();
    const hidden = hiddenRuns(section);
    for (const trace of data) {
      if (trace.meta.ink) {
        trace.line = { ...trace.line, color: colors.curve };
        trace.marker = { ...trace.marker, color: colors.curve };
      }
      trace.visible = !hidden.has(trace.meta.run);
    }
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
    layout.font = { ...layout.font, color: colors.ink };
    layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: colors.grid, activecolor: colors.ink };
    layout.hoverlabel = { bgcolor: colors.paper, bordercolor: colors.grid, font: { color: colors.ink } };
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      Object.assign(layout[name], {
        gridcolor: colors.grid, linecolor: colors.grid, zeroline: false, automargin: true, color: colors.ink,
      });
    }
    if (printing) {
      layout.width = Math.min(place.clientWidth, PRINTED_WIDTH);
    }
    const options = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
    return Plotly.react(place, data, layout, options);
  }

  function drawAll() {
    for (const swatch of document.querySelectorAll("[data-color]")) {
      const color = swatch.dataset.color;
      swatch.style.background = color === themes.light.curve ? theme().curve : color;
    }
    return Promise.all(plots.map(draw));
  }

  function show(section) {
    const hidden = hiddenRuns(section);
    for (const figure of section.querySelectorAll("figure[data-run]")) {
      figure.classList.toggle("hidden", hidden.has(figure.dataset.run));
    }
    plots.filter((plot) => plot.section === section).forEach(draw);
  }

  function follow(slider) {
    const section = slider.closest("section");
    const moments = JSON.parse(section.querySelector("script.moments").textContent);
    const pictures = [...section.querySelectorAll("img + script")].map((script) => ({
      image: script.previousElementSibling,
      addresses: JSON.parse(script.textContent),
    }));
    const figures = plots.filter(({ place }) => place.closest(".figures").dataset.moments && section.contains(place));
    let waiting = false;
    slider.addEventListener("input", () => {
      if (waiting) {
        return;
      }
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        section.querySelector("output").value = moments[slider.value];
        slider.setAttribute("aria-valuetext", moments[slider.value]);
        for (const { image, addresses } of pictures) {
          image.src = addresses[slider.value];
        }
        figures.forEach(draw);
      });
    });
  }

  document.querySelectorAll("input.moment").forEach(follow);
  for (const box of document.querySelectorAll("input[data-run]")) {
    box.addEventListener("change", () => show(box.closest("section")));
  }
  dark.addEventListener("change", drawAll);
  window.addEventListener("beforeprint", () => { printing = true; drawAll(); });
  window.addEventListener("afterprint", () => { printing = false; drawAll(); });
  drawAll().then(() => { document.documentElement.dataset.drawn = String(plots.length); });
})();
