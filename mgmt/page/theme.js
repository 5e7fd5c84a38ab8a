// theme.js — light, dark, or as the system says; read before anything is drawn, so that nothing flashes.
{
  const kept = (() => {
    try {
      return localStorage.getItem('sallyport.theme');
    } catch {
      return null; // a browser that keeps nothing
    }
  })();
  if (kept === 'light' || kept === 'dark') document.documentElement.dataset.theme = kept;
}
