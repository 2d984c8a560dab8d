/** Colours come from the style sheet, which has two palettes. */
export function colourOf(property: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}
