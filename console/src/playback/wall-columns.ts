// How many columns of pictures use the room of the playback best. Pure.

/** The shape of most pictures. */
const PICTURE_RATIO = 16 / 9;
/** What a tile has above or below its picture. */
const BAR_PX = 28;

/** Return the number of columns with which `count` pictures are largest in a room. */
export function bestColumns(count: number, widthPx: number, heightPx: number): number {
  const columns = Array.from({ length: Math.max(1, count) }, (_, index) => index + 1);
  const widthWith = (number: number) => {
    const rows = Math.ceil(count / number);
    return Math.min(widthPx / number, (heightPx / rows - BAR_PX) * PICTURE_RATIO);
  };
  return columns.reduce((best, one) => (widthWith(one) > widthWith(best) ? one : best));
}
