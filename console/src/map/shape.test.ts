import assert from "node:assert/strict";
import { test } from "node:test";
import { circleThrough, filtersOfShape, polygonOf, shapeOf } from "./shape.ts";

test("circles and polygons convert to the filters of the API and back", () => {
  const circle = { near: "111.513,32.54,400", within: "" };
  assert.deepEqual(filtersOfShape(shapeOf(circle.near, "")), circle);
  const polygon = { near: "", within: "111.5,32.5;111.6,32.5;111.6,32.6" };
  assert.deepEqual(filtersOfShape(shapeOf("", polygon.within)), polygon);
  assert.deepEqual(filtersOfShape(null), { near: "", within: "" });
});

test("texts of another form are no shape", () => {
  for (const near of ["", "111.5,32.5", "a,b,c", "111.5,32.5,0", "111.5,,400x"]) {
    assert.equal(shapeOf(near, ""), null, near);
  }
  for (const within of ["", "111.5,32.5;111.6,32.5", "x;y;z"]) {
    assert.equal(shapeOf("", within), null, within);
  }
});

test("a drawn circle goes through the pointer, and a drawn polygon needs three corners", () => {
  const circle = circleThrough({ lon: 111.5, lat: 32.5 }, { lon: 111.5, lat: 32.51 });
  assert.equal(circle.kind === "circle" && circle.radiusM, 1113);
  const corners = [
    { lon: 111.5, lat: 32.5 },
    { lon: 111.6, lat: 32.5 },
  ];
  assert.equal(polygonOf(corners), null);
  assert.notEqual(polygonOf([...corners, { lon: 111.6, lat: 32.6 }]), null);
});
