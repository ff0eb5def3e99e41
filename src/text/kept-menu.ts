/** How a menu begins that was kept as a page: a folder with such a page opens as it. */
export const KEPT_MENU = '<!DOCTYPE html>\n<html data-porthole="menu">';
