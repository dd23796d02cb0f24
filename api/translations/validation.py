"""What pydantic finds wrong with a value, in Chinese, by its own templates."""

from __future__ import annotations

VALIDATION: dict[str, str] = {
    "should be {expected}": "须为 {expected}",
    "should be greater than {gt}": "须大于 {gt}",
    "should be greater than or equal to {ge}": "须大于或等于 {ge}",
    "should be less than {lt}": "须小于 {lt}",
    "should be less than or equal to {le}": "须小于或等于 {le}",
    "should be a finite number": "须为有限的数",
    "should be a valid string": "须为文本",
    "String should have at least {min_length} character{expected_plural}": (
        "至少需要 {min_length} 个字符"
    ),
    "String should have at most {max_length} character{expected_plural}": (
        "至多 {max_length} 个字符"
    ),
    "String should match pattern '{pattern}'": "须符合格式 {pattern}",
    "{field_type} should have at least {min_length} item{expected_plural} after validation, not "
    "{actual_length}": "至少需要 {min_length} 项，现有 {actual_length} 项",
    "{field_type} should have at most {max_length} item{expected_plural} after validation, not "
    "{actual_length}": "至多 {max_length} 项，现有 {actual_length} 项",
    "should be a valid dictionary": "须为键值对",
    "should be a valid dictionary or object to extract fields from": "须为键值对",
    "should be a valid dictionary or instance of {class_name}": "须为键值对",
    "should be a valid list": "须为列表",
    "should be a valid tuple": "须为列表",
    "should be a valid set": "须为列表",
    "should be a valid boolean": "须为 true 或 false",
    "should be a valid boolean, unable to interpret input": "须为 true 或 false",
    "should be a valid integer": "须为整数",
    "should be a valid integer, unable to parse string as an integer": "须为整数",
    "should be a valid integer, got a number with a fractional part": "须为整数，不能有小数",
    "Unable to parse input string as an integer, exceeded maximum size": "整数过大",
    "should be a valid number": "须为数",
    "should be a valid number, unable to parse string as a number": "须为数",
    "Extra inputs are not permitted": "不是此处可用的字段",
    "Field required": "缺少此字段",
}
